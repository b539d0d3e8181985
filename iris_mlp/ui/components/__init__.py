"""What several tabs draw: the loss chart, the plane, the flower, the network."""
