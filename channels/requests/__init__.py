"""HTTP requests as consumers and views see them: the request, its body, headers, query string."""
