"""resumable uploads, idempotency keys, equal files, and filters of the table

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("options", JSONB(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("idempotency_key"),
    )
    op.create_index("ix_upload_expires_at", "upload", ["expires_at"])
    op.add_column("processing_file", sa.Column("idempotency_key", sa.Text(), nullable=True))
    op.add_column(
        "processing_file",
        sa.Column(
            "ended_as",
            sa.Text(),
            sa.Computed("CASE WHEN finished_at IS NOT NULL THEN status END", persisted=True),
        ),
    )
    op.create_index(
        "ix_processing_file_ended",
        "processing_file",
        ["ended_as", "id"],
        postgresql_where=sa.text("ended_as <> 'Ok'"),
    )
    op.create_index("ix_processing_file_sha256", "processing_file", ["sha256"])
    op.create_index(
        "ix_processing_file_key",
        "processing_file",
        ["idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def downgrade() -> None:
    for name in ("key", "sha256", "ended"):
        op.drop_index(f"ix_processing_file_{name}", table_name="processing_file")
    op.drop_column("processing_file", "ended_as")
    op.drop_column("processing_file", "idempotency_key")
    op.drop_table("upload")
