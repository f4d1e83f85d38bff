"""The CRM: what the community teaches, carried to where sales and support already work, and back."""
