"""What a stored model sees in the pairs of a domain: views that draw pictures, and the page of them."""
