"""What is to be computed on one large GPU, in pieces of a few minutes that go on from what is stored.

**Nothing here has ever run on a GPU**: no machine with one could be had. The command and its pieces are tested on the CPU, at toy
size; that no step of the benchmark waits for its device is tested on torch's *meta* device, which refuses whatever would wait.
Times on a GPU, how many runs share one well, compiled models and fused optimizers there are untested.
"""
