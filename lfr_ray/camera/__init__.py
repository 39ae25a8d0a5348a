"""From a camera, a recording or a folder of pictures to frames, and evidence pictures."""
