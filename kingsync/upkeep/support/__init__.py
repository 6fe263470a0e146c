"""What helps to find a fault: a run told call by call, and a bundle for who helps, without secrets and names."""
