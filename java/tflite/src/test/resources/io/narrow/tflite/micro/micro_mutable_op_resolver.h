// What exported models use of TensorFlow Lite Micro's header of this name, which no package has: the names of its
// methods as of 2026, and that it takes each operator once and no more than it was made for.
#pragma once
#include <cstring>

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

namespace tflite {
template <unsigned int kMost>
class MicroMutableOpResolver {
 public:
#define NARROW_ADD(NAME) \
  TfLiteStatus NAME() { return Add(#NAME); }
  NARROW_ADD(AddAbs);
  NARROW_ADD(AddAdd);
  NARROW_ADD(AddAddN);
  NARROW_ADD(AddArgMax);
  NARROW_ADD(AddArgMin);
  NARROW_ADD(AddAssignVariable);
  NARROW_ADD(AddAveragePool2D);
  NARROW_ADD(AddBatchMatMul);
  NARROW_ADD(AddBatchToSpaceNd);
  NARROW_ADD(AddBroadcastArgs);
  NARROW_ADD(AddBroadcastTo);
  NARROW_ADD(AddCallOnce);
  NARROW_ADD(AddCast);
  NARROW_ADD(AddCeil);
  NARROW_ADD(AddCircularBuffer);
  NARROW_ADD(AddConcatenation);
  NARROW_ADD(AddConv2D);
  NARROW_ADD(AddCos);
  NARROW_ADD(AddCumSum);
  NARROW_ADD(AddDepthToSpace);
  NARROW_ADD(AddDepthwiseConv2D);
  NARROW_ADD(AddDequantize);
  NARROW_ADD(AddDetectionPostprocess);
  NARROW_ADD(AddDiv);
  NARROW_ADD(AddDynamicUpdateSlice);
  NARROW_ADD(AddElu);
  NARROW_ADD(AddEmbeddingLookup);
  NARROW_ADD(AddEqual);
  NARROW_ADD(AddEthosU);
  NARROW_ADD(AddExp);
  NARROW_ADD(AddExpandDims);
  NARROW_ADD(AddFill);
  NARROW_ADD(AddFloor);
  NARROW_ADD(AddFloorDiv);
  NARROW_ADD(AddFloorMod);
  NARROW_ADD(AddFullyConnected);
  NARROW_ADD(AddGather);
  NARROW_ADD(AddGatherNd);
  NARROW_ADD(AddGreater);
  NARROW_ADD(AddGreaterEqual);
  NARROW_ADD(AddHardSwish);
  NARROW_ADD(AddIf);
  NARROW_ADD(AddL2Normalization);
  NARROW_ADD(AddL2Pool2D);
  NARROW_ADD(AddLeakyRelu);
  NARROW_ADD(AddLess);
  NARROW_ADD(AddLessEqual);
  NARROW_ADD(AddLog);
  NARROW_ADD(AddLogSoftmax);
  NARROW_ADD(AddLogicalAnd);
  NARROW_ADD(AddLogicalNot);
  NARROW_ADD(AddLogicalOr);
  NARROW_ADD(AddLogistic);
  NARROW_ADD(AddMaxPool2D);
  NARROW_ADD(AddMaximum);
  NARROW_ADD(AddMean);
  NARROW_ADD(AddMinimum);
  NARROW_ADD(AddMirrorPad);
  NARROW_ADD(AddMul);
  NARROW_ADD(AddNeg);
  NARROW_ADD(AddNotEqual);
  NARROW_ADD(AddPack);
  NARROW_ADD(AddPad);
  NARROW_ADD(AddPadV2);
  NARROW_ADD(AddPrelu);
  NARROW_ADD(AddQuantize);
  NARROW_ADD(AddReadVariable);
  NARROW_ADD(AddReduceMax);
  NARROW_ADD(AddReduceMin);
  NARROW_ADD(AddRelu);
  NARROW_ADD(AddRelu6);
  NARROW_ADD(AddReshape);
  NARROW_ADD(AddResizeBilinear);
  NARROW_ADD(AddResizeNearestNeighbor);
  NARROW_ADD(AddReverseV2);
  NARROW_ADD(AddRound);
  NARROW_ADD(AddRsqrt);
  NARROW_ADD(AddSelectV2);
  NARROW_ADD(AddShape);
  NARROW_ADD(AddSin);
  NARROW_ADD(AddSlice);
  NARROW_ADD(AddSoftmax);
  NARROW_ADD(AddSpaceToBatchNd);
  NARROW_ADD(AddSpaceToDepth);
  NARROW_ADD(AddSplit);
  NARROW_ADD(AddSplitV);
  NARROW_ADD(AddSqrt);
  NARROW_ADD(AddSquare);
  NARROW_ADD(AddSquaredDifference);
  NARROW_ADD(AddSqueeze);
  NARROW_ADD(AddStridedSlice);
  NARROW_ADD(AddSub);
  NARROW_ADD(AddSum);
  NARROW_ADD(AddSvdf);
  NARROW_ADD(AddTanh);
  NARROW_ADD(AddTranspose);
  NARROW_ADD(AddTransposeConv);
  NARROW_ADD(AddUnidirectionalSequenceLSTM);
  NARROW_ADD(AddUnpack);
  NARROW_ADD(AddVarHandle);
  NARROW_ADD(AddWhile);
  NARROW_ADD(AddZerosLike);
#undef NARROW_ADD

  unsigned int GetRegistrationLength() const { return length_; }

 private:
  TfLiteStatus Add(const char* name) {
    for (unsigned int i = 0; i < length_; ++i) {
      if (std::strcmp(names_[i], name) == 0) return kTfLiteError;
    }
    if (length_ == kMost) return kTfLiteError;
    names_[length_++] = name;
    return kTfLiteOk;
  }

  const char* names_[kMost];
  unsigned int length_ = 0;
};
}  // namespace tflite
