"""Pictures of products that campaigns name: fetched from where they lie, made safe, and kept to be served by us.

A campaign's transaction notes what it needs (`store/images.py`); `worker` claims what is due, `fetching` reads it
through the guard on addresses, `making` has a process of its own make it safe. What is shown of it is `web/photos.py`.
"""
