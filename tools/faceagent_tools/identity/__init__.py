"""Who somebody is, among those enrolled: the tools on a session's gallery.

`templates` makes what is stored of a photo and says what is wrong with it, `openset` says from which likeness on a
stranger is rarely taken for somebody, `identify`, `enroll`, `verify` are the tools, and the modules called words say
what they found. The gallery itself is `faceagent.gallery`.
"""
