"""Whether raw records that somebody hands in are whole, and as ``bench run`` wrote them."""
