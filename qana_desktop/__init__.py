"""QANA Desktop: triage of dermoscopic images with a quantised network, on an Akida board or on ONNX Runtime."""

__version__ = "0.1.0"
