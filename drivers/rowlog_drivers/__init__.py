"""rowlog's drivers: from the bytes of rowing machines and heart-rate sensors to records."""
