"""Long polling: a request that is answered when something happens.

GET /poll/ -> http.request -> poll: joins the Group, answers nothing
POST /polling/ring/ -> view -> Channel("bell") -> ring: answers everybody in the Group
a client goes -> http.disconnect -> forget: leaves the Group
"""
