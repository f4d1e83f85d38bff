"""Ways to a CRM: one file for each, all satisfying one small Protocol and one suite of tests."""
