"""Training, quantisation and evaluation of the reading network. Needs the extra [train]; never part of an installer."""
