"""Asking other systems how services do: the only room that fetches from elsewhere what is no platform of ours."""
