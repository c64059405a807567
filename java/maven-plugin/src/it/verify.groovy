// The example's model: there, smaller, and left alone the second time.
def int8 = new File(example, 'target/classes/digits.tflite')
assert int8.length() > 10000 && int8.length() < 60000 // of 127,356
def log = new File(example, 'build.log').text
assert log.findAll('digits.tflite is up to date').size() == 1
assert log.findAll('int8').size() > 0
