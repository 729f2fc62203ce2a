"""What settings of every kind have in common: they are read from environment variables of one prefix, once."""

from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "GROUPBUY_"


class Environment(BaseSettings):
    """Settings that are read from the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)
