"""The engine's services, and the chassis they all run on."""
