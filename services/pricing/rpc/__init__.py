"""The gRPC services of pricing."""

from services.pricing.rpc.demand import DemandReader
from services.pricing.rpc.internal import PricingInternal
from services.pricing.rpc.public import Pricing

__all__ = ["DemandReader", "Pricing", "PricingInternal"]
