GREEN = "#0a0";
