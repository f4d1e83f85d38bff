"""People, their organisations, how they sign in and what they may do. Open to all features above."""

from portal.members import lean as lean  # before anything else imports Flask-Security
