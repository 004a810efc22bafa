"""What all tables of supervision's schema hang on."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel


class Base(SQLModel):
    """All tables of supervision's schema hang on this metadata."""

    metadata = MetaData()
