"""Losses as a pretrained network sees them (Johnson et al. 2016), as options ask."""
