"""The integer network as plain data: layers, arithmetic, export to .fbz and .onnx, and the bundle that carries it."""
