"""The cases of onnx.backend.test that do not pass, each with its reason. A test sees to it that these are all."""

from __future__ import annotations

NO_SUCH_DTYPE = "which tensors do not have"  # bfloat16, float8, integers of 2 and 4 bits, text, complex numbers
RANDOM = "elements are drawn by another generator than NumPy's"

MISSING = (  # operators that there are not
    "Acos AffineGrid Asin Atan Attention Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor",
    "BlackmanWindow CausalConvWithState CenterCropPad Col2Im Compress ConcatFromSequence ConvInteger ConvTranspose",
    "CumProd CumSum DFT DeformConv DepthToSpace DequantizeLinear Det DynamicQuantizeLinear GRU GatherElements",
    "GatherND GridSample GroupNormalization HammingWindow HannWindow If ImageDecoder LSTM LayerNormalization",
    "LinearAttention Loop LpNormalization MatMulInteger MaxUnpool MeanVarianceNormalization MelWeightMatrix",
    "NegativeLogLikelihoodLoss NonMaxSuppression NonZero OneHot OptionalGetElement OptionalHasElement QLinearConv",
    "QLinearMatMul QuantizeLinear RMSNormalization RNN RegexFullMatch Resize ReverseSequence RoiAlign RotaryEmbedding",
    "STFT Scan Scatter ScatterElements ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase",
    "SequenceInsert SequenceLength SequenceMap SoftmaxCrossEntropyLoss SpaceToDepth SplitToSequence StringConcat",
    "StringNormalizer StringSplit SwiGLU TensorScatter TfIdfVectorizer TopK Trilu Unique Upsample",
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
