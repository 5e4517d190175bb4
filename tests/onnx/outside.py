"""The cases of onnx.backend.test that do not pass, each with its reason. A test sees to it that these are all."""

from __future__ import annotations

NO_SUCH_DTYPE = "which tensors do not have"  # bfloat16, float8, integers of 2 and 4 bits, text, complex numbers
RANDOM = "elements are drawn by another generator than NumPy's"

MISSING = (  # operators that there are not
    "Acos AffineGrid Asin Atan Attention Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor",
    "BlackmanWindow CausalConvWithState ConcatFromSequence ConvInteger DFT DeformConv DequantizeLinear Det",
    "DynamicQuantizeLinear GRU GridSample HammingWindow HannWindow If ImageDecoder LSTM LinearAttention Loop",
    "MatMulInteger MelWeightMatrix NonMaxSuppression OptionalGetElement OptionalHasElement QLinearConv QLinearMatMul",
    "QuantizeLinear RNN RegexFullMatch Resize RoiAlign RotaryEmbedding STFT Scan SequenceAt SequenceConstruct",
    "SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence StringConcat",
    "StringNormalizer StringSplit SwiGLU TensorScatter TfIdfVectorizer Unique Upsample",
    "ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.Binarizer ai.onnx.ml.LabelEncoder ai.onnx.ml.TreeEnsemble",
    "ai.onnx.preview.FlexAttention ai.onnx.preview.training.Adagrad ai.onnx.preview.training.Adam",
    "ai.onnx.preview.training.Gradient ai.onnx.preview.training.Momentum",
)
OPERATORS = {name for line in MISSING for name in line.split()}

CASES = {
    "test_training_dropout": RANDOM,
    "test_training_dropout_default": RANDOM,
    "test_training_dropout_default_mask": RANDOM,
    "test_training_dropout_mask": RANDOM,
}
