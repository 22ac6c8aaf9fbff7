"""A live blog: whatever saves a post, everybody who reads sees it.

form, admin, shell -> Post.save() -> post_save -> Group("liveblog") -> every open page
"""
