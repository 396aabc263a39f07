"""Speed: what inference, training, the join alone and cached comparison cost in time and memory."""
