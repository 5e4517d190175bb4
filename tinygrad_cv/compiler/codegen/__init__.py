"""Plan to LLVM text: a function for each loop nest, put together to modules."""
