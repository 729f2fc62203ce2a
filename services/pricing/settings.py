"""Settings of pricing."""

from pydantic import Field

from services.chassis.settings import Address, ChassisSettings


class Settings(ChassisSettings):
    """What pricing needs besides the chassis' settings."""

    team_formation: Address = Field(
        description="Where team_formation answers gRPC, host:port; asked for events that were missed."
    )
    demand_store: str = Field(
        "",
        description="Folder of the demand worker's copy of its table, one for each worker; empty: a temporary one.",
    )
