"""The steps, each behind a path of its own: what follows it is what the step's routes see."""

from channels.routing import include
from project.getting_started.step_1_hello import routing as hello
from project.getting_started.step_2_echo import routing as echo
from project.getting_started.step_3_groups import routing as groups
from project.getting_started.step_4_sessions import routing as sessions
from project.getting_started.step_5_users import routing as users
from project.getting_started.step_6_models import routing as models
from project.getting_started.step_7_ordering import routing as ordering

channel_routing = [
    include(hello.channel_routing, path=r"^/getting-started/hello"),
    include(echo.channel_routing, path=r"^/getting-started/echo"),
    include(groups.channel_routing, path=r"^/getting-started/groups"),
    include(sessions.channel_routing, path=r"^/getting-started/sessions"),
    include(users.channel_routing, path=r"^/getting-started/users"),
    include(models.channel_routing, path=r"^/getting-started/models"),
    include(models.background_routing),
    include(ordering.channel_routing, path=r"^/getting-started/ordering"),
]
