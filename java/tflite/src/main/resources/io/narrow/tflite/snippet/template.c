//---- program
// Runs $MODEL: run_model MODEL INPUT...
// Each input is a file of little-endian float32. Build: cc $FILE -ltensorflowlite_c -lm
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tensorflow/lite/c/c_api.h"

static void check(bool done, const char* what) {
  if (!done) {
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
  }
}

static float* floats(const char* path, size_t count) {
  float* values = malloc(count * sizeof *values);
  FILE* file = fopen(path, "rb");
  check(values != NULL && file != NULL && fread(values, sizeof *values, count, file) == count, path);
  fclose(file);
  return values;
}

int main(int argc, char** argv) {
  check(argc == 2 + $COUNT, "run_model MODEL INPUT...");
  TfLiteModel* model = TfLiteModelCreateFromFile(argv[1]);
  check(model != NULL, argv[1]);
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, NULL);
  check(interpreter != NULL && TfLiteInterpreterAllocateTensors(interpreter) == kTfLiteOk, "preparing the model");
$FEED  check(TfLiteInterpreterInvoke(interpreter) == kTfLiteOk, "running the model");
$READ  TfLiteInterpreterDelete(interpreter);
  TfLiteModelDelete(model);
  return 0;
}
//---- input
  {  // $WHAT
    float* values = floats(argv[$ARGUMENT], $ELEMENTS);
    $TYPE* data = TfLiteTensorData(TfLiteInterpreterGetInputTensor(interpreter, $POSITION));
    for (size_t i = 0; i < $ELEMENTS; i++) data[i] = ($TYPE)values[i];
    free(values);
  }
//---- input.quantized
  {  // $WHAT
    float* values = floats(argv[$ARGUMENT], $ELEMENTS);
    $TYPE* data = TfLiteTensorData(TfLiteInterpreterGetInputTensor(interpreter, $POSITION));
    for (size_t i = 0; i < $ELEMENTS; i++)
      data[i] = ($TYPE)fmin(fmax(rintf(values[i] / $SCALEf) + ($ZERO), $LOW), $HIGH);
    free(values);
  }
//---- output
  {  // $WHAT
    const $TYPE* data = TfLiteTensorData(TfLiteInterpreterGetOutputTensor(interpreter, $POSITION));
    for (size_t i = 0; i < $ELEMENTS; i++) printf("%.9g ", (double)data[i]);
    printf("\n");
  }
//---- output.quantized
  {  // $WHAT
    const $TYPE* data = TfLiteTensorData(TfLiteInterpreterGetOutputTensor(interpreter, $POSITION));
    for (size_t i = 0; i < $ELEMENTS; i++) printf("%.9g ", (double)(float)((double)$SCALEf * (data[i] - ($ZERO))));
    printf("\n");
  }
