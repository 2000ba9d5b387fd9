throw "no luck"
