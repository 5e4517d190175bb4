"""What is tried of each primitive: calls, memory layouts, gradients as users get them, finite differences."""
