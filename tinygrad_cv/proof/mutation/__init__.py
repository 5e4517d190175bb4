"""Wrong derivatives, made by machine, that the proof and the gradient checker must find."""
