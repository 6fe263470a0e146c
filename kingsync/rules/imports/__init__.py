"""From a King record to what OutSmart gets: pure, one module for each kind."""
