"""What is looked at before anything runs: settings, packages, rooms, and who this process is."""
