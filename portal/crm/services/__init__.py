"""Every write of the exchange with CRMs: marking what changed, sending it, taking in what comes back."""
