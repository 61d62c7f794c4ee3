"""earlier attempts, workers, announcements; indexes that a claim does not touch

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = "status IN ('Processing', 'Waiting')"


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("signal", sa.Integer(), nullable=True),
        sa.Column("peak_rss", sa.BigInteger(), nullable=True),
        sa.Column("cpu_seconds", sa.Double(), nullable=True),
        sa.Column("wall_seconds", sa.Double(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["file_id"], ["processing_file.id"]),
        sa.PrimaryKeyConstraint("file_id", "attempt", name=op.f("pk_attempt")),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    op.add_column(
        "processing_file",
        sa.Column("announced", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    # An open row has not finished, one that ended has: the partial indexes rely on it.
    op.execute(
        "UPDATE processing_file SET finished_at = CASE WHEN status IN ('Processing', 'Waiting') "
        "THEN NULL ELSE coalesce(finished_at, now()) END "
        "WHERE (status IN ('Processing', 'Waiting')) <> (finished_at IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_processing_file_open"),
        "processing_file",
        "(status IN ('Waiting', 'Processing')) = (finished_at IS NULL)",
    )
    op.drop_index("ix_processing_file_open", table_name="processing_file")
    op.create_index(
        "ix_processing_file_open",
        "processing_file",
        ["id"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "ix_processing_file_due",
        "processing_file",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_processing_file_unannounced",
        "processing_file",
        ["id"],
        postgresql_where=sa.text("NOT announced"),
    )
    op.create_index(
        "ix_processing_file_uploaded", "processing_file", ["uploaded_at"], postgresql_using="brin"
    )
    op.execute("ALTER TABLE processing_file SET (fillfactor = 70)")


def downgrade() -> None:
    op.execute("ALTER TABLE processing_file RESET (fillfactor)")
    for name in ("uploaded", "unannounced", "due", "open"):
        op.drop_index(f"ix_processing_file_{name}", table_name="processing_file")
    op.create_index(
        "ix_processing_file_open", "processing_file", ["id"], postgresql_where=sa.text(_OPEN)
    )
    op.drop_constraint(op.f("ck_processing_file_open"), "processing_file")
    op.drop_column("processing_file", "announced")
    op.drop_table("worker")
    op.drop_table("attempt")
