"""The long forms of the fault and abuse tests: `make chaos`, for CHAOS_MINUTES (60)."""
