"""Released checkpoints of the paper's baselines, each from a local file.

The networks are written anew on parts of torchvision, transformers and open_clip; names of weights,
sizes, pixel values and the way texts are read are those of the releases. All weights of a network
must be in the file, and no others: nothing is left random.
"""
