"""A model as one ONNX graph, and what runs it: answers without PyTorch."""
