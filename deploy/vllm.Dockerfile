# A vision-language model for the controller's seat, by vLLM on a GPU. vLLM does not share an environment with the rest.
#   docker build -f deploy/vllm.Dockerfile -t faceagent-vllm deploy
# The command is the one that this writes out; a test holds it to that:
#   faceagent serve Qwen/Qwen3-VL-8B-Instruct --host 0.0.0.0 --print
FROM vllm/vllm-openai:v0.33.0
RUN useradd --uid 10001 --create-home vllm && install -d -o vllm /models
ENV HF_HOME=/models
USER 10001
WORKDIR /models
VOLUME /models
EXPOSE 8000
ENTRYPOINT ["vllm", "serve"]
CMD ["Qwen/Qwen3-VL-8B-Instruct", "--host", "0.0.0.0", "--port", "8000", "--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--max-model-len", "16384", "--limit-mm-per-prompt", "{\"image\": 8}"]
# The first start downloads the model.
HEALTHCHECK --start-period=30m CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
