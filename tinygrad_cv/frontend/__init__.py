"""class Tensor and the functions on tensors. A method normalizes its arguments and applies one primitive."""
