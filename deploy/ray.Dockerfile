# Head and workers of a Ray cluster that reports on collections. From the repository's root:
#   docker build -f deploy/ray.Dockerfile -t faceagent-ray .
FROM rayproject/ray:2.60.0-py312
COPY --chown=ray . /home/ray/faceagent
# Ray stays as the image has it: head and workers must not differ.
RUN pip install --no-cache-dir "/home/ray/faceagent[ray,video,heif,scale,observe]" s3fs "ray[data]==2.60.0" && rm -r /home/ray/faceagent
