"""A published kind of forgery detector: CLIP's vision tower, of which only the norms are trained, and a linear head.

crops (those of `forensic`) -> train -> export, one command each. Its ONNX file is used as a declared detector
(`faceagent_tools.forensics.declared`): the product needs neither torch nor open_clip. The weights that it begins with
are a download of open_clip's. The code has been tried out with random weights only: how good the detector is, nobody
has measured here.
"""
