"""The demo community: Lanaviva, an imagined maker of wool yarns in the Abruzzo. Persons and companies are invented."""
