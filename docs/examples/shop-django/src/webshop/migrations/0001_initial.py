"""The first table."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make it."""

    initial = True
    dependencies: ClassVar[list[Any]] = []
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ShopDomain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.CharField(max_length=255, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("adding", "Adding"),
                            ("live", "Live"),
                            ("removing", "Removing"),
                            ("refused", "Refused"),
                        ],
                        default="adding",
                        max_length=8,
                    ),
                ),
            ],
        ),
    ]
