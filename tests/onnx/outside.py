"""The cases of onnx.backend.test that do not pass, each with its reason. A test sees to it that these are all."""

from __future__ import annotations

NO_SUCH_DTYPE = "which tensors do not have"  # bfloat16, float8, integers of 2 and 4 bits, text, complex numbers
RANDOM = "elements are drawn by another generator than NumPy's"

MISSING = (  # operators that there are not
    "Attention BitCast BlackmanWindow CausalConvWithState DFT Det HammingWindow HannWindow ImageDecoder",
    "LinearAttention MelWeightMatrix RegexFullMatch RotaryEmbedding STFT StringConcat StringSplit TensorScatter",
    "TfIdfVectorizer ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.Binarizer ai.onnx.ml.LabelEncoder",
    "ai.onnx.ml.TreeEnsemble ai.onnx.preview.FlexAttention ai.onnx.preview.training.Adagrad",
    "ai.onnx.preview.training.Adam ai.onnx.preview.training.Momentum",
)
OPERATORS = {name for line in MISSING for name in line.split()}

OPSET_8 = "Scan had an axis for the batch in opset 8 alone"

TEXT = "text is not compared"
CASES = {
    "test_equal_string": TEXT,
    "test_equal_string_broadcast": TEXT,
    "test_scan_sum": OPSET_8,
    "test_bernoulli": RANDOM,
    "test_bernoulli_double": RANDOM,
    "test_bernoulli_seed": RANDOM,
    "test_training_dropout": RANDOM,
    "test_training_dropout_default": RANDOM,
    "test_training_dropout_default_mask": RANDOM,
    "test_training_dropout_mask": RANDOM,
}
