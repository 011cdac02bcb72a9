"""Side-by-side studies of one task under one split: what events, time steps, bits and training are worth."""
