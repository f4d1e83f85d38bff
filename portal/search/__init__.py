"""Finding what one may see, and what is close to what one writes."""
